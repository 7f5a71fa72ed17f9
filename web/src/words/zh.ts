/** Everything the pages say, in Chinese: one file for each group of pages. */
import { commonZh } from './common-zh'
import { deskZh } from './desk-zh'
import { mapZh } from './map-zh'
import { phoneZh } from './phone-zh'
import { workerZh } from './worker-zh'

export const zh = {
  ...commonZh,
  ...deskZh,
  ...mapZh,
  ...phoneZh,
  ...workerZh,
} as const
