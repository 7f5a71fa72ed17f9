import { fileURLToPath } from 'node:url'

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const server = process.env.GRIDWARDEN_SERVER ?? 'http://127.0.0.1:8700'
const doors = ['/graphql', '/tiles', '/uploads', '/media', '/basemap', '/healthz']

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2022', chunkSizeWarningLimit: 1300 },
  worker: { format: 'es' },
  server: { proxy: Object.fromEntries(doors.map((door) => [door, { target: server, ws: true }])) },
})
