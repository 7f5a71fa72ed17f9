/** Departments and matters: asked for once, kept for the page's life. */
import { shallowRef } from 'vue'

import { DepartmentsDocument, MattersDocument, type DepartmentsQuery, type MattersQuery } from '@/gql/graphql'
import { ask } from '@/graphql'

export type Department = DepartmentsQuery['departments'][number]
export type Matter = MattersQuery['matters'][number]

export const departments = shallowRef<Department[]>([])
export const matters = shallowRef<Matter[]>([])

/** Fill `departments`; throws ApiError. */
export async function loadDepartments(): Promise<void> {
  if (!departments.value.length) departments.value = (await ask(DepartmentsDocument, {})).departments
}

/** Fill `matters` with those that people report; throws ApiError. */
export async function loadMatters(): Promise<void> {
  if (!matters.value.length) matters.value = (await ask(MattersDocument, {})).matters.filter((matter) => matter.kind !== 'alert')
}
