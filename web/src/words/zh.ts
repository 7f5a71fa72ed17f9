/** Everything the pages say, in Chinese: one file for each group of pages. */
import { commonZh } from './common-zh'
import { deskZh } from './desk-zh'
import { figuresZh } from './figures-zh'
import { mapZh } from './map-zh'
import { phoneZh } from './phone-zh'
import { workerZh } from './worker-zh'

export const zh = {
  ...commonZh,
  ...deskZh,
  ...figuresZh,
  ...mapZh,
  ...phoneZh,
  ...workerZh,
} as const
