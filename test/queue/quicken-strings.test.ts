import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// In a process of its own, whose texts nobody has slowed down or quickened before.
const script = `
  import { quickenStrings } from '${new URL('../../src/queue/quicken-strings.ts', import.meta.url)}'
  const isQuick = () => %HasFastProperties(String.prototype)
  // As ioredis has one.
  new (class extends String {})('text')
  const slowed = !isQuick()
  quickenStrings()
  console.log(JSON.stringify({ slowed, quickened: isQuick() }))`

test('what ioredis does to the methods of texts is undone', async () => {
  const flags = ['--allow-natives-syntax', '--input-type=module', '-e']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script])
  expect(JSON.parse(stdout)).toEqual({ slowed: true, quickened: true })
})
