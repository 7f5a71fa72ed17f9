import './base.css'

import { createApp } from 'vue'

import App from './App.vue'
import { keepOpenable } from './offline'
import { router } from './router'

createApp(App).use(router).mount('#app')
void keepOpenable()
