/** The photos chosen for a report: each is sent at once, and tried again when the network is back. */
import { onUnmounted, ref } from 'vue'

import { ApiError, said } from '@/graphql'
import { t } from '@/i18n'

import { fitting, MOST_PHOTOS, upload } from './photos'

export interface Picked {
  key: number
  blob: Blob
  url: string
  claim: string | null
  progress: number
  state: 'uploading' | 'done' | 'failed' | 'waiting'
  problem: string
}

export type Photos = ReturnType<typeof usePhotos>

export function usePhotos() {
  const list = ref<Picked[]>([])
  const problem = ref('')
  let keys = 0

  async function add(files: readonly File[]): Promise<void> {
    problem.value = ''
    for (const file of files.slice(0, MOST_PHOTOS - list.value.length)) {
      try {
        const blob = await fitting(file)
        const key = keys++
        list.value.push({ key, blob, url: URL.createObjectURL(blob), claim: null, progress: 0, state: 'uploading', problem: '' })
        void send(key)
      } catch (error) {
        problem.value = error instanceof ApiError ? said(error) : t('report.photoTooBig')
      }
    }
  }

  async function send(key: number): Promise<void> {
    const photo = list.value.find((one) => one.key === key)
    if (!photo) return
    Object.assign(photo, { state: 'uploading', progress: 0, problem: '' })
    try {
      photo.claim = await upload(photo.blob, (progress) => (photo.progress = progress))
      photo.state = 'done'
    } catch (error) {
      photo.state = error instanceof ApiError && error.code === 'unreachable' ? 'waiting' : 'failed'
      photo.problem = said(error)
    }
  }

  function remove(key: number): void {
    const at = list.value.findIndex((one) => one.key === key)
    for (const gone of at < 0 ? [] : list.value.splice(at, 1)) URL.revokeObjectURL(gone.url)
  }

  function clear(): void {
    for (const { key } of [...list.value]) remove(key)
  }

  const onOnline = () => list.value.filter((photo) => photo.state === 'waiting').forEach((photo) => void send(photo.key))
  window.addEventListener('online', onOnline)
  onUnmounted(() => {
    window.removeEventListener('online', onOnline)
    clear()
  })
  return { list, problem, add, send, remove, clear }
}
