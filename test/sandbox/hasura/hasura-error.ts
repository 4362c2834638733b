/** An error as Hasura reports it: its code, a message for a person, and its place in the request. */
export class HasuraError extends Error {
  readonly code: string
  readonly path: string
  constructor(code: string, message: string, path = '$') {
    super(message)
    this.name = 'HasuraError'
    this.code = code
    this.path = path
  }

  toBody(): string {
    return JSON.stringify({ errors: [this.toJson()] })
  }

  toJson() {
    return { message: this.message, extensions: { path: this.path, code: this.code } }
  }
}

export const validationFailed = (message: string, path: Path | string = '$') =>
  new HasuraError('validation-failed', message, typeof path === 'string' ? path : formatPath(path))

export const parseFailed = (message: string, path: Path | string = '$') =>
  new HasuraError('parse-failed', message, typeof path === 'string' ? path : formatPath(path))

export type Path = readonly (string | number)[]

/** `$.selectionSet.articles.args.order_by[0].id` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(step) ? `${text}.${step}` : `${text}['${step}']`
  }, '$')
}
