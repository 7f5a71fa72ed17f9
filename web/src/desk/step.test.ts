import { describe, expect, it } from 'vitest'

import { emptyGiven, inputOf, missing, type Verb } from './step'
import { undoStep } from './undo'

const ITEM = { id: 'c1', revision: 4 }

function verb(name: string, ...needs: string[]): Verb {
  return { verb: name, name: { zh: name, en: name }, needs }
}

describe('a step', () => {
  it('names the first thing that is missing', () => {
    const transfer = verb('transfer', 'department', 'reason')
    expect(missing(transfer, emptyGiven())).toBe('need.department')
    expect(missing(transfer, { ...emptyGiven(), departmentId: 'd1', reason: '  ' })).toBe('need.reason')
    expect(missing(transfer, { ...emptyGiven(), departmentId: 'd1', reason: '职责调整' })).toBeNull()
  })

  it('calls a unit only with its task, and a task only with its unit', () => {
    const whistle = verb('whistle', 'parts')
    expect(missing(whistle, emptyGiven())).toBe('need.parts')
    expect(missing(whistle, { ...emptyGiven(), parts: [{ departmentId: 'd1', task: '封路' }, { departmentId: '', task: '清淤' }] })).toBe('need.parts')
    expect(missing(whistle, { ...emptyGiven(), parts: [{ departmentId: 'd1', task: '封路' }, { departmentId: '', task: '' }] })).toBeNull()
  })

  it('sends only what its verb asks for, with a command of its own', () => {
    const given = { ...emptyGiven(), departmentId: 'd1', matterId: 'm1', targetId: 't1', amount: 3, reason: ' 理由 ' }
    const accept = inputOf(ITEM, verb('accept'), given)
    expect(accept).toEqual({ caseId: 'c1', verb: 'accept', revision: 4, reason: '理由', commandId: accept.commandId })
    expect(inputOf(ITEM, verb('accept'), given).commandId).not.toBe(accept.commandId)
    expect(inputOf(ITEM, verb('ask_extension', 'amount', 'reason'), given)).toMatchObject({ amount: 3, unit: 'work_day' })
    expect(inputOf(ITEM, verb('extend'), given)).toMatchObject({ amount: 3, unit: 'work_day' })
    expect(inputOf(ITEM, verb('dispatch', 'department'), { ...given, aboutDepartmentId: 'd9' })).toMatchObject({ departmentId: 'd1', aboutDepartmentId: 'd9' })
  })
})

describe('undo', () => {
  const before = { department: { id: 'd0', name: '旧部门', nameEn: null }, matter: null }
  const after = (...verbs: string[]) => ({ ...ITEM, allowedVerbs: verbs.map((name) => verb(name)) })

  it('takes a dispatch back and sends a transfer back to where it was', () => {
    expect(undoStep('dispatch', before, after('recall'), '误操作')).toEqual({ caseId: 'c1', verb: 'recall', revision: 4, reason: '误操作' })
    expect(undoStep('transfer', before, after('transfer'), '误操作')).toMatchObject({ verb: 'transfer', departmentId: 'd0' })
  })

  it('is not offered where the life-cycle or the person has no way back', () => {
    expect(undoStep('dispatch', before, after('accept'), '误操作')).toBeNull()
    expect(undoStep('verify', before, after('rework'), '误操作')).toBeNull()
    expect(undoStep('classify', before, after('classify'), '误操作')).toBeNull()
    expect(undoStep('transfer', { ...before, department: null }, after('transfer'), '误操作')).toBeNull()
  })
})
