import { expect, test } from 'vitest'
import { startProcess } from '../cli/run-command.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'

/** Runs first in the process; says at its end how patient connections were. */
const observer = `data:text/javascript,${encodeURIComponent(`
  import net from 'node:net'
  process.on('exit', () => process.stderr.write('patience ' + net.getDefaultAutoSelectFamilyAttemptTimeout()))
`)}`

test('an address of a distant host with several has a second to answer', async () => {
  await using command = startProcess({}, process.execPath, ['--import', observer, mainPath, '--version'], {
    cwd: wikiProject.folder,
  })
  expect(await command.ended).toMatchObject({ code: 0, err: 'patience 1000' })
})
