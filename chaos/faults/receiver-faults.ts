import type { ReceiverMood } from '../receiver.ts'
import type { FaultKind } from './fault-kind.ts'

/** What the receiver of webhooks does. */
export const receiverFaults: readonly FaultKind[] = [
  receiverFault('receiver-down', 'down'),
  receiverFault('receiver-slow', 'slow'),
  receiverFault('receiver-answers-500', 'broken'),
]

/** Short: each failure doubles the pause before the next attempt. */
function receiverFault(name: string, mood: ReceiverMood): FaultKind {
  return {
    name,
    breaks: 'receiver',
    lasts: [1_500, 8_000],
    begin({ world: { receiver } }) {
      receiver.mood = mood
      return () => {
        receiver.mood = 'well'
      }
    },
  }
}
