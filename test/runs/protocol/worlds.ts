import type { NewRequest } from '../../../src/runs/requests.ts'
import type { LineName } from './state.ts'
import { misfortunes, type World } from './transition.ts'

const line: LineName = { account: 'account', job: 'sync' }
const other: LineName = { account: 'account', job: 'other' }
const nothing = { faults: 0, cancels: 0, holds: 0, ticks: 0, reserved: 0 }

const wish = (at: LineName, more: Partial<NewRequest> = {}): NewRequest => ({
  ...at,
  payload: {},
  trigger: 'http',
  caller: 'somebody',
  ...more,
})

export const worlds: Readonly<Record<string, World>> = {
  'equal requests of one line': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line), equal: wish(line) },
    endings: ['again'],
    misfortunes,
    left: { ...nothing, faults: 1 },
  },
  'different requests of one line': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line), different: wish(line, { payload: { n: 1 } }) },
    endings: ['failed'],
    misfortunes,
    left: { ...nothing, faults: 1 },
  },
  'a line whose processes die, stand still and are not answered': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line) },
    endings: [],
    misfortunes,
    left: { ...nothing, faults: 2 },
  },
  'a store that goes back': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line), different: wish(line, { payload: { n: 1 } }) },
    endings: ['again'],
    misfortunes: ['store goes back'],
    left: { ...nothing, faults: 1 },
  },
  'a store that goes back while processes die': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line) },
    endings: [],
    misfortunes: ['store goes back', 'killed', 'end unanswered'],
    left: { ...nothing, faults: 2 },
  },
  'requests under a key': {
    lines: [line],
    slots: 1,
    wishes: {
      keyed: wish(line, { idempotencyKey: 'k' }),
      'the same key': wish(line, { idempotencyKey: 'k' }),
      'the key with another payload': wish(line, { idempotencyKey: 'k', payload: { n: 1 } }),
      equal: wish(line),
    },
    endings: [],
    misfortunes: [],
    left: nothing,
  },
  'urgent and cancelled requests': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line), urgent: wish(line, { priority: 'high' }) },
    endings: ['again'],
    misfortunes: [],
    left: { ...nothing, cancels: 1 },
  },
  'two lines with one slot': {
    lines: [line, other],
    slots: 1,
    wishes: { first: wish(line), second: wish(other) },
    endings: [],
    misfortunes: ['killed', 'end unanswered'],
    left: { ...nothing, faults: 1 },
  },
  'two lines with two slots and a hold': {
    lines: [line, other],
    slots: 2,
    wishes: { first: wish(line), second: wish(other) },
    endings: ['outage'],
    misfortunes: [],
    left: { ...nothing, holds: 1 },
  },
  'a line with holds': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line) },
    endings: ['outage', 'limited', 'refused', 'wait'],
    misfortunes: ['killed'],
    left: { ...nothing, faults: 1, holds: 2 },
  },
  'a schedule': {
    lines: [line],
    slots: 1,
    wishes: {},
    endings: [],
    misfortunes: ['killed'],
    left: { ...nothing, faults: 1, ticks: 2 },
    scheduled: line,
  },
  'a foreground run': {
    lines: [line],
    slots: 1,
    wishes: { first: wish(line) },
    endings: [],
    misfortunes: ['killed'],
    left: { ...nothing, faults: 1, cancels: 1, reserved: 1 },
  },
  'a bootstrap and its step': {
    lines: [
      { account: 'account', job: 'bootstrap-account' },
      { account: 'account', job: 'step' },
    ],
    slots: 1,
    wishes: {
      bootstrap: wish({ account: 'account', job: 'bootstrap-account' }, { trigger: 'bootstrap' }),
      step: wish({ account: 'account', job: 'step' }),
    },
    endings: ['steps', 'failed'],
    misfortunes: [],
    left: { ...nothing, cancels: 1 },
  },
  'two requests that wait for the same step': {
    lines: [
      { account: 'account', job: 'bootstrap-account' },
      { account: 'account', job: 'step' },
    ],
    slots: 1,
    wishes: {
      first: wish({ account: 'account', job: 'bootstrap-account' }, { trigger: 'bootstrap' }),
      second: wish({ account: 'account', job: 'bootstrap-account' }, { trigger: 'bootstrap', payload: { n: 1 } }),
    },
    endings: ['steps', 'again'],
    misfortunes: [],
    left: nothing,
  },
}
