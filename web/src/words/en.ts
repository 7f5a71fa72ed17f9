import { commonEn } from './common-en'
import { deskEn } from './desk-en'
import { figuresEn } from './figures-en'
import { mapEn } from './map-en'
import { phoneEn } from './phone-en'
import { workerEn } from './worker-en'
import type { zh } from './zh'

/** The same words in English; a missing one does not compile. */
export const en: Record<keyof typeof zh, string> = {
  ...commonEn,
  ...deskEn,
  ...figuresEn,
  ...mapEn,
  ...phoneEn,
  ...workerEn,
}
