import { type Html, html } from './html.ts'
import { may, type Viewer } from './viewer.ts'

export interface Shell {
  readonly title: string
  readonly main: Html
  /** Undefined on the pages of those who aren't logged in. */
  readonly viewer?: Viewer | undefined
  readonly pages: readonly { readonly name: string; readonly label?: string }[]
  /** The page's name, to mark it in the navigation. */
  readonly current: string
  /** The stream that keeps the page up to date; absent for static pages. */
  readonly live?: string | undefined
  readonly version?: string
  /** The result of the last action. */
  readonly notice?: Html | undefined
  /** Appended to the addresses of style sheet and script, so that browsers keep them until they change. */
  readonly assets: string
}

/** A whole page. Every address in it is relative, so that it works behind any prefix. */
export function shell({ title, main, viewer, pages, current, live, version, notice, assets }: Shell): string {
  const page = html`<html lang="en"><head><meta charset="utf-8"><title>${title} · hasura-sync-worker</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<link rel="icon" href="icon.svg?${assets}"><link rel="stylesheet" href="style.css?${assets}"><script defer src="live.js?${assets}"></script></head>
<body><a class="skip" href="#main">Skip to the content</a>
<header><p class="brand"><a href="./">hasura-sync-worker</a></p>${
    viewer &&
    html`<nav aria-label="Pages"><ul>${pages
      .filter(page => page.label !== undefined)
      .map(
        ({ name, label }) =>
          html`<li><a href="${name === '' ? './' : name}"${name === current && html` aria-current="page"`}>${label}</a></li>`,
      )}</ul></nav>
<form class="who" method="post" action="logout"><span>${viewer.name}${!may(viewer, 'operate') && ' (read-only)'}</span> <button>Log out</button></form>`
  }</header>
<main id="main" tabindex="-1" data-live="${live}" data-version="${version}"><h1>${title}</h1>${notice}<div id="content">${main}</div></main>
${live !== undefined && html`<footer><p id="live-state" role="status">Without JavaScript this page doesn’t update: reload it.</p></footer>`}</body></html>`
  return `<!doctype html>${page}`
}
