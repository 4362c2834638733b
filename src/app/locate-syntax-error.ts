import { execFile } from 'node:child_process'

/**
 * Lets Node report a syntax error in a module or its imports, because it reports the location of some only if nobody catches
 * them. The module isn't run: Node finds the error before that.
 *
 * @param node its path, and the arguments that it needs to find the same modules
 * @param modules their URLs
 * @returns file, line, code and error as Node prints them; undefined if it finds none
 */
export function locateSyntaxError(
  [node = 'node', ...args]: readonly string[],
  modules: readonly string[],
): Promise<string | undefined> {
  const code = modules.map(module => `import ${JSON.stringify(module)}`).join('\n')
  return new Promise(resolve => {
    execFile(node, [...args, '--input-type=module', '--eval', code], { timeout: 10_000 }, (_error, _out, printed) => {
      // A debugger prints first that it is attached.
      const start = printed.search(/^(?:file:|\/)/m)
      const [told = ''] = printed.slice(start).split(/\n\s+at /)
      resolve(start === -1 ? undefined : told.replace(/\n{2,}/g, '\n'))
    })
  })
}
