import assert from 'node:assert/strict'
import { type ClaimedRun, claimRun } from '../../../../src/runs/claim-run.ts'
import { reserveRequest } from '../../../../src/runs/requests.ts'
import { type Asks, newId } from '../asks.ts'
import { expectClaim, holdsOf } from '../expected.ts'
import { type Hand, isOfLine, type LineName, type State, successorOf, type Worker } from '../state.ts'
import { type Check, mayHappen, type Setting, type Transition, type WorkerSetting, type World } from '../transition.ts'

/** Any worker may try to claim any line at any time: so tickets that are lost, late or doubled are among the histories. */
export function* claims(setting: WorkerSetting): Generator<Transition> {
  const { world, asks, name, here, own } = setting
  if (here.hands.length === world.lines.length) return
  for (const line of world.lines.filter(line => !here.hands.some(isOfLine(line)))) {
    const asked = { process: here.id }
    yield {
      label: `${name} claims ${line.job}`,
      kind: 'progress',
      call: draft => claimLine(world, asks, draft, line, { ...asked, keep: own(draft) }),
    }
    if (mayHappen(setting, 'claim unanswered')) {
      yield {
        label: `${name} claims ${line.job}, and the answer is lost`,
        kind: 'fault',
        call(draft) {
          draft.left.faults -= 1
          return claimLine(world, asks, draft, line, { ...asked, keep: undefined })
        },
      }
    }
    if (mayHappen(setting, 'claim given up')) {
      yield {
        label: `${name} gives up a claim of ${line.job} that is on its way`,
        kind: 'fault',
        change(draft) {
          draft.left.faults -= 1
          draft.flights.push({ run: newId, process: here.id, ...line })
        },
      }
    }
  }
}

/** A command's run in the foreground. */
export function* foregroundRuns({ world, asks, state, name, here, own }: WorkerSetting): Generator<Transition> {
  const { reserved } = here
  if (reserved) {
    yield {
      label: `${name} claims its reserved run`,
      kind: 'progress',
      call: draft =>
        claimLine(world, asks, draft, reserved, { process: here.id, keep: own(draft), reserved: reserved.request }),
    }
  }
  if (state.left.reserved === 0 || reserved || here.hands.length > 0) return
  for (const line of world.lines) {
    yield {
      label: `${name} reserves a run of ${line.job}`,
      kind: 'choice',
      async call(draft) {
        draft.left.reserved -= 1
        const wanted = { ...line, payload: {}, trigger: 'cli', processId: here.id }
        const { answer: request, after } = await asks.reserve(draft.store, JSON.stringify(wanted), store =>
          reserveRequest(store, wanted),
        )
        draft.store = after
        own(draft).reserved = { request, ...line }
        draft.wishes.push({ name: `reserved ${draft.left.reserved}`, request, owed: true })
        return () => {}
      },
    }
  }
}

/** Claims that their process has given up, and that the server may still carry out. */
export function* flights({ world, asks, state }: Setting): Generator<Transition> {
  for (const [index, flight] of state.flights.entries()) {
    const told = `the claim of ${flight.job} that ${flight.process.at(-1)} has given up`
    yield {
      label: `${told} is carried out`,
      kind: 'progress',
      call(draft) {
        draft.flights.splice(index, 1)
        return claimLine(world, asks, draft, flight, { process: flight.process, keep: undefined, run: flight.run })
      },
    }
    yield { label: `${told} never arrives`, kind: 'progress', change: draft => void draft.flights.splice(index, 1) }
  }
}

async function claimLine(
  world: World,
  asks: Asks,
  draft: State,
  line: LineName,
  {
    process,
    keep,
    reserved,
    run = newId,
  }: { process: string; keep: Worker | undefined; reserved?: string; run?: string },
): Promise<Check> {
  const asked = {
    account: line.account,
    job: line.job,
    runId: run,
    processId: process,
    firstSlot: 1,
    slots: world.slots,
    ...(reserved !== undefined && { requestId: reserved }),
  }
  const { answer: claim, after: rows } = await asks.claim(draft.store, JSON.stringify(asked), store =>
    claimRun(store, asked),
  )
  if (keep && typeof claim !== 'string') keep.hands.push(handOf(run, claim, reserved !== undefined))
  if (keep && reserved !== undefined && (typeof claim !== 'string' || claim === 'gone')) keep.reserved = null
  if (typeof claim !== 'string') noteRun(draft, claim.requestId)
  draft.store = rows
  return (before, after) => {
    const expected = expectClaim(before.store, line, { process, slots: world.slots, reserved })
    assert.equal(typeof claim === 'string' ? claim : 'run', expected.verdict, `the verdict of a claim of ${line.job}`)
    if (typeof claim === 'string') {
      assert.deepEqual(
        { ...after.store, lines: [] },
        { ...before.store, lines: [] },
        'a claim that gets nothing changes nothing',
      )
      return
    }
    assert.equal(claim.requestId, expected.request?.id, 'the first ready request is claimed')
    assert(!expected.request?.cancelling, 'what was cancelled does not run again')
    const lease = after.store.leases.find(isOfLine(line))
    assert.equal(lease?.run, run)
    assert.equal(lease?.process, process)
    const held = holdsOf(before.store, line).filter(({ code }) => code !== 'rate-limited')
    if (reserved !== undefined) return
    assert.equal(claim.probed, held.length > 0, 'who claims under a hold goes to look')
    const after_ = holdsOf(after.store, line).filter(({ code }) => code !== 'rate-limited')
    for (const hold of after_) assert.equal(hold.probe, 'later', 'one alone goes to look')
  }
}

export function handOf(run: string, { lease, requestId, failures, probed }: ClaimedRun, foreground = false): Hand {
  const { account, job } = lease
  return { run, request: requestId, account, job, failures, probed, foreground, aborted: null, ending: null }
}

/** A run of the request has begun, so what was asked for before it is owed nothing more. */
export function noteRun(draft: State, request: string): void {
  for (const wish of draft.wishes) {
    if (successorOf(draft.store, wish.request)?.id === request) wish.owed = false
  }
}
