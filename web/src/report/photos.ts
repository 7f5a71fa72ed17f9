/** Photos on their way to the server: sent as soon as they are chosen, with progress; a claim ties each to its report. */
import { ApiError, reachable } from '@/graphql'

export const MOST_PHOTOS = 6
const MOST_BYTES = 12 * 1024 * 1024
const SHRUNK_PX = 2048

/** Send one photo; resolves to the token with which a report claims it. */
export function upload(photo: Blob, onProgress: (share: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const form = new FormData()
    form.append('photo', photo, 'photo.jpg')
    request.open('POST', '/uploads')
    request.responseType = 'json'
    request.timeout = 120_000
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total)
    request.onerror = request.ontimeout = () => {
      reachable.value = false
      reject(new ApiError('unreachable', 'The server cannot be reached.', '无法连接服务器。'))
    }
    request.onload = () => {
      const answer = request.response as { claim?: string; detail?: string; detailZh?: string; code?: string } | null
      if (request.status === 201 && answer?.claim) resolve(answer.claim)
      else reject(refusal(request.status, answer))
    }
    request.send(form)
  })
}

function refusal(status: number, answer: { detail?: string; detailZh?: string; code?: string } | null): ApiError {
  if (status === 502 || status === 504) return new ApiError('unreachable', 'The server cannot be reached.', '无法连接服务器。')
  const en = answer?.detail ?? `The server answered ${status}.`
  return new ApiError(answer?.code ?? (status === 429 ? 'too_many' : 'invalid'), en, answer?.detailZh ?? en, 'photo')
}

/** The photo as it is, or made smaller where it would be refused for its size. */
export async function fitting(photo: File): Promise<Blob> {
  if (photo.size <= MOST_BYTES) return photo
  const image = await createImageBitmap(photo)
  const scale = Math.min(1, SHRUNK_PX / Math.max(image.width, image.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(image.width * scale)
  canvas.height = Math.round(image.height * scale)
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  const shrunk = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9))
  if (!shrunk || shrunk.size > MOST_BYTES) throw new ApiError('invalid', 'The photo is larger than 12 MB.', '照片超过 12 MB。', 'photo')
  return shrunk
}
