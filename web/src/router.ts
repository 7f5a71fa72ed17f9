/** Pages and their addresses; each page is loaded only when it is opened. */
import { createRouter, createWebHistory } from 'vue-router'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'desk', component: () => import('./desk/DeskPage.vue') },
    { path: '/report', name: 'report', component: () => import('./report/ReportPage.vue') },
    { path: '/track/:code?', name: 'track', component: () => import('./track/TrackPage.vue') },
    { path: '/field/:id?', name: 'work', component: () => import('./worker/WorkPage.vue') },
    { path: '/figures', name: 'figures', component: () => import('./figures/FiguresPage.vue') },
    { path: '/:rest(.*)*', name: 'nothing', component: () => import('./pages/NotFound.vue') },
  ],
})
