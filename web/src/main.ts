import './base.css'

import { createApp } from 'vue'

import App from './App.vue'
import { keepOpenable } from './offline'
import { router } from './router'
import { noteReading } from './woken'

createApp(App).use(router).mount('#app')
void keepOpenable()
noteReading()
