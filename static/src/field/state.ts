// Where households stand, by the rules of the server's package fieldwork
// (StateOf, Turn), so that a phone without signal knows which door comes next.
// survey/fieldwork/testdata/states.json is run by both. Nothing here touches the
// page.
import type { Rules, Visit } from './types'

// Outcome is a row of the server's table of outcomes.
export interface Outcome {
  code: string
  group: string
  again: boolean
}

export interface State {
  open: boolean // to be visited (again)
  outcome: string
  visits: number
  periods: number // 1 morning, 2 afternoon, 4 evening, 8 weekend, added up
  last_at: string | null
  adults: number | null
}

export const notVisited = '3.11'
const refused = '2.11'
const final = 5 // the least rank of an outcome that ends the visits

const unknown = (code: string): Outcome => ({ code, group: 'UH', again: true })

export function outcomeOf(all: Outcome[], code: string): Outcome {
  return all.filter((o) => o.code == code)[0] || unknown(code)
}

// rank orders outcomes by what a household's state makes of them.
function rank(o: Outcome): number {
  if (o.group == 'I') return final + 3
  if (o.group == 'P') return final + 2
  if (o.code == refused) return final + 1
  if (!o.again) return final
  return o.group == 'NC' ? 3 : o.group == 'UO' ? 2 : 1
}

const bits: { [period: string]: number } = { morning: 1, afternoon: 2, evening: 4 }

// stateOf adds up the visits to a household, in whatever order they are given.
export function stateOf(visits: (Visit & { adults?: number | null })[], rules: Rules, all: Outcome[]): State {
  const s: State = { open: rules.visits > 0, outcome: notVisited, visits: 0, periods: 0, last_at: null, adults: null }
  let best = 0
  visits
    .slice()
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .forEach((v) => {
      s.visits++
      s.last_at = v.at
      if (v.adults != null) s.adults = v.adults
      s.periods |= (bits[v.period] || 0) | (v.weekend ? 8 : 0)
      const r = rank(outcomeOf(all, v.outcome))
      if (r >= best) {
        best = r
        s.outcome = v.outcome
      }
    })
  s.open = s.visits < rules.visits && best < final
  return s
}

// Standing is a household of a PSU as turn looks at it.
export interface Standing {
  id: string
  reserve: boolean
  open: boolean
  outcome: string
}

// turn returns the ids of the households of the reserve that may be visited. The
// homes are those of one PSU in the order of their positions.
export function turn(homes: Standing[], rules: Rules, all: Outcome[]): string[] {
  const open: string[] = []
  let replaced = homes.filter((h) => !h.reserve && replaceable(h, rules, all)).length
  homes
    .filter((h) => h.reserve)
    .every((h) => {
      if (open.length >= replaced) return false
      open.push(h.id)
      if (replaceable(h, rules, all)) replaced++
      return true
    })
  return open
}

function replaceable(h: Standing, rules: Rules, all: Outcome[]): boolean {
  if (h.open || h.outcome == notVisited) return false
  const g = outcomeOf(all, h.outcome).group
  return rules.replace == 'closed' ? g != 'I' && g != 'P' : rules.replace == 'not_eligible' && g == 'NE'
}
