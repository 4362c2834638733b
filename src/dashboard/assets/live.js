// Shows instants in the viewer's zone, and keeps the page up to date. Without it the page says the same, in UTC.
const main = document.querySelector('main')
const content = document.getElementById('content')
const state = document.getElementById('live-state')

const format = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

function localize(root) {
  for (const time of root.querySelectorAll('time')) time.textContent = format.format(new Date(time.dateTime))
}

/** What tells an element from its siblings, so that the focus is where it was after an update. */
function markOf(element) {
  const form = element.closest('form')
  const fields = form ? [...form.querySelectorAll('input[type=hidden]')].map(field => field.value) : []
  return [
    element.tagName,
    element.getAttribute('href'),
    element.getAttribute('name'),
    element.textContent,
    ...fields,
  ].join()
}

/** Whoever types or selects isn't interrupted: the next update brings the same. */
function isInUse() {
  const { activeElement } = document
  const isField = content.contains(activeElement) && /^(INPUT|SELECT|TEXTAREA)$/.test(activeElement.tagName)
  const selection = getSelection()
  return isField || (selection !== null && !selection.isCollapsed && content.contains(selection.anchorNode))
}

function show(text) {
  const { activeElement } = document
  const mark = content.contains(activeElement) ? markOf(activeElement) : undefined
  const page = new DOMParser().parseFromString(text, 'text/html')
  localize(page)
  const scrolled = new Map(tables().map(table => [labelOf(table), table.scrollLeft]))
  content.replaceChildren(...page.body.childNodes)
  for (const table of tables()) table.scrollLeft = scrolled.get(labelOf(table)) ?? 0
  if (mark === undefined) return
  const same = [...content.querySelectorAll('a, button, [tabindex]')].find(element => markOf(element) === mark)
  same?.focus({ preventScroll: true })
}

const labelOf = table => table.getAttribute('aria-label')

function tables() {
  return [...content.querySelectorAll('.scroll')]
}

let source
let retry

function tell(text) {
  if (state.textContent !== text) state.textContent = text
}

const notLive = 'Not live: reconnecting. If this stays, reload the page.'

/** A connection may be lost without an error, while a laptop sleeps or by a router: the server is never silent for so long. */
function heard() {
  clearTimeout(retry)
  retry = setTimeout(() => {
    tell(notLive)
    close()
    open()
  }, 60000)
}

function open() {
  clearTimeout(retry)
  if (source || document.hidden) return
  source = new EventSource(`${main.dataset.live}&version=${main.dataset.version}`)
  heard()
  source.onopen = () => {
    tell('Live')
    heard()
  }
  source.addEventListener('same', heard)
  source.onmessage = ({ data, lastEventId }) => {
    if (isInUse()) {
      close()
      retry = setTimeout(open, 5000)
      return
    }
    heard()
    main.dataset.version = lastEventId
    show(data)
  }
  source.onerror = () => {
    tell(notLive)
    if (source?.readyState !== EventSource.CLOSED) return
    close()
    retry = setTimeout(open, 15000)
  }
}

function close() {
  clearTimeout(retry)
  source?.close()
  source = undefined
}

localize(document)
if (main.dataset.live) {
  open()
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()))
  addEventListener('pagehide', close)
  addEventListener('pageshow', open)
}
