// Makes one element like another with as few changes as possible, so that focus,
// selection, scrolled parts and opened details stay as they are.

export function morph(from: Element, to: Element): void {
  attributes(from, to)
  const old = Array.from(from.childNodes)
  const next = Array.from(to.childNodes)
  const known = new Map<string, Element>()
  old.forEach((n) => {
    if (n instanceof Element && n.id) known.set(n.id, n)
  })
  let at: ChildNode | null = from.firstChild
  next.forEach((n) => {
    const match = n instanceof Element && n.id ? known.get(n.id) : at
    if (match && alike(match, n)) {
      if (match !== at) from.insertBefore(match, at)
      else at = at.nextSibling
      if (match instanceof Element) morph(match, n as Element)
      else if (match.nodeValue !== n.nodeValue) match.nodeValue = n.nodeValue
      return
    }
    from.insertBefore(document.importNode(n, true), at)
  })
  while (at) {
    const gone: ChildNode = at
    at = at.nextSibling
    gone.remove()
  }
}

function alike(a: Node, b: Node): boolean {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false
  return !(a instanceof Element) || a.id === (b as Element).id
}

function attributes(from: Element, to: Element): void {
  Array.from(to.attributes).forEach((a) => {
    if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value)
  })
  Array.from(from.attributes).forEach((a) => {
    const readers = a.name === 'open' || (a.name === 'class' && from.id === 'main')
    if (!to.hasAttribute(a.name) && !readers) from.removeAttribute(a.name)
  })
}
