import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { quickenStrings } from '../../src/queue/quicken-strings.ts'

test('what ioredis does to the methods of texts is undone', () => {
  setFlagsFromString('--allow-natives-syntax')
  const isQuick: (prototype: object) => boolean = runInNewContext('prototype => %HasFastProperties(prototype)')
  // As ioredis has one.
  ;new (class extends String {})('text')
  expect(isQuick(String.prototype)).toBe(false)
  quickenStrings()
  expect(isQuick(String.prototype)).toBe(true)
})
