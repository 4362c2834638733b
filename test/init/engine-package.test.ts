import { expect, test } from 'vitest'
import { findNodeProblem } from '../../src/init/engine-package.ts'

test.each([
  ['22.15.0', { found: 'This is Node 22.15.0', remedy: 'install Node 24 or later' }],
  ['24.0.0', undefined],
  ['100.1.0', undefined],
])('Node %s: %j', (version, problem) => {
  expect(findNodeProblem({ engines: { node: '>=24' } }, version)).toEqual(problem)
})
