/**
 * Pins that have just changed, on a canvas of their own above the map.
 *
 * A change of a map source goes through a worker and redraws everything; at fifty reports a second that keeps a slow graphics card
 * busy and new pins waiting. Here a pin is on the screen with the next frame, and the map below is not touched. What is already
 * drawn is left alone: only the pins that changed are drawn over it, each from a picture made once.
 */
import type { CasePinFragment } from '@/gql/graphql'

import type { MapLibre } from './create'
import { LATE_COLOUR, stateColour } from './look'

const REACH_PX = 12
const HALO_PX = 15
const PICTURE_PX = 18
// Each zoom has its own size of pin; a journey through all of them must not keep every picture.
const MOST_PICTURES = 200

export interface FreshPin {
  item: CasePinFragment
  at: [number, number]
}

export interface Fresh {
  /** Draw with the next frame: one pin that changed, or everything anew. */
  refresh(id?: string): void
  /** The case drawn at a point of the screen. */
  hit(x: number, y: number): string | null
  show(visible: boolean): void
  remove(): void
}

/** Keep `pins()` drawn; `onDrawn` hears which were inside the view once their frame is out. */
export function addFresh(map: MapLibre, pins: () => FreshPin[], onDrawn: (ids: string[]) => void): Fresh {
  const canvas = document.createElement('canvas')
  canvas.style.cssText = 'position:absolute;inset:0;width:100%;height:100%;pointer-events:none'
  map.getCanvas().after(canvas)
  const pen = canvas.getContext('2d')
  const pictures = new Map<string, HTMLCanvasElement>()
  const changed = new Set<string>()
  let wanted = 0
  let anew = false
  let empty = true

  function paint(): void {
    const all = pins()
    const shown = anew ? all : all.filter(({ item }) => changed.has(item.id))
    changed.clear()
    if (!pen || (empty && shown.length === 0)) return
    const { clientWidth, clientHeight } = canvas
    const scale = window.devicePixelRatio
    if (canvas.width !== Math.round(clientWidth * scale) || canvas.height !== Math.round(clientHeight * scale)) {
      canvas.width = Math.round(clientWidth * scale)
      canvas.height = Math.round(clientHeight * scale)
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0)
    if (anew) pen.clearRect(0, 0, clientWidth, clientHeight)
    anew = false
    const size = Math.min(10, Math.max(5, 5 + (map.getZoom() - 8) * 0.5))
    const drawn: string[] = []
    for (const { item, at } of shown) {
      const { x, y } = map.project(at)
      if (x < -HALO_PX || y < -HALO_PX || x > clientWidth + HALO_PX || y > clientHeight + HALO_PX) continue
      pen.drawImage(pictureOf(item, size, scale), x - PICTURE_PX, y - PICTURE_PX, 2 * PICTURE_PX, 2 * PICTURE_PX)
      drawn.push(item.id)
    }
    empty = all.length === 0
    if (drawn.length) requestAnimationFrame(() => onDrawn(drawn))
  }

  function pictureOf(item: CasePinFragment, size: number, scale: number): HTMLCanvasElement {
    const key = `${item.state}|${item.origin}|${item.overdue}|${size}|${scale}`
    let picture = pictures.get(key)
    if (!picture) {
      if (pictures.size >= MOST_PICTURES) pictures.clear()
      picture = document.createElement('canvas')
      picture.width = picture.height = Math.ceil(2 * PICTURE_PX * scale)
      const own = picture.getContext('2d')
      own?.scale(scale, scale)
      if (own) drawPin(own, item, PICTURE_PX, PICTURE_PX, size)
      pictures.set(key, picture)
    }
    return picture
  }

  function refresh(id?: string): void {
    if (id) changed.add(id)
    else anew = true
    if (wanted) return
    wanted = requestAnimationFrame(() => {
      wanted = 0
      paint()
    })
  }

  const repaint = () => {
    anew = true
    paint()
  }
  map.on('render', repaint)
  return {
    refresh,
    hit(x, y) {
      const near = pins().filter(({ at }) => {
        const point = map.project(at)
        return Math.hypot(point.x - x, point.y - y) <= REACH_PX
      })
      return near.at(-1)?.item.id ?? null
    },
    show(visible) {
      canvas.style.display = visible ? '' : 'none'
    },
    remove() {
      cancelAnimationFrame(wanted)
      map.off('render', repaint)
      canvas.remove()
    },
  }
}

function drawPin(pen: CanvasRenderingContext2D, item: CasePinFragment, x: number, y: number, size: number): void {
  disc(pen, x, y, HALO_PX, 'rgb(255 179 0 / 42%)')
  if (item.overdue) {
    disc(pen, x, y, size + 6, LATE_COLOUR)
    disc(pen, x, y, size + 3.6, '#ffffff')
  }
  const shape = item.origin === 'alert' ? diamond : disc
  shape(pen, x, y, size + 1.6, '#ffffff')
  shape(pen, x, y, size, stateColour(item.state))
}

function disc(pen: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  pen.fillStyle = colour
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.fill()
}

function diamond(pen: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  const reach = radius * 1.3
  pen.fillStyle = colour
  pen.beginPath()
  pen.moveTo(x, y - reach)
  pen.lineTo(x + reach, y)
  pen.lineTo(x, y + reach)
  pen.lineTo(x - reach, y)
  pen.fill()
}
