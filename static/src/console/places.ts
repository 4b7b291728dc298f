// Offers places while somebody types a name or a code. Without it the list holds
// the highest places, and any other can be typed.

interface Place {
  code: string
  name: { zh: string; en: string }
}

export function offerPlaces(input: HTMLInputElement): void {
  const list = input.list
  if (!list) return
  let timer = 0
  let asked = ''
  input.addEventListener('input', () => {
    window.clearTimeout(timer)
    timer = window.setTimeout(() => {
      const text = input.value.trim()
      if (text === asked || text.length < 1 || text.indexOf(' ') >= 0) return
      asked = text
      void ask(text).then((places) => {
        if (places && asked === text) fill(list as HTMLElement, places)
      })
    }, 250)
  })
}

async function ask(text: string): Promise<Place[] | null> {
  try {
    const answer = await fetch('/api/v1/people/places?q=' + encodeURIComponent(text), { credentials: 'same-origin' })
    if (!answer.ok) return null
    return ((await answer.json()) as { places: Place[] }).places
  } catch {
    return null // what is there already can still be chosen
  }
}

function fill(list: HTMLElement, places: Place[]): void {
  const english = document.documentElement.lang === 'en'
  list.textContent = ''
  places.forEach((place) => {
    const option = document.createElement('option')
    option.value = place.code + ' ' + ((english && place.name.en) || place.name.zh)
    list.appendChild(option)
  })
}
