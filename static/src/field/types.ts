// What the phone gets from the server, and what it keeps.
import type { Answers, Definition, Option, Question } from '../engine'

export interface Text {
  zh: string
  en: string
}

export interface Rules {
  visits: number
  replace: string // never, not_eligible, closed
  select: string // kish, birthday
}

export interface Wave {
  id: string
  code: string
  name: Text
  opens_at: string
  closes_at: string
  owner: Text
  contact: string
  questionnaire: string
  rules: Rules
}

// Visit is a record that the server has accepted, or one that was made here.
export interface Visit {
  id: string
  at: string
  outcome: string
  period: string
  weekend: boolean
  mine?: boolean
}

export interface Home {
  id: string
  wave: string
  area: string
  area_name: Text
  psu: string
  position: number
  reserve: boolean
  building: string
  unit: string
  room: string
  adults: number | null
  picks: string
  rules?: Rules // where they are not the wave's
  records: Visit[]
}

export interface AskedOption extends Option {
  text: Text
  stop?: boolean
}

export interface AskedQuestion extends Question {
  section: string
  text: Text
  hint?: Text
  options?: AskedOption[]
}

export interface Questionnaire extends Definition {
  title: Text
  notice: Text
  thanks: Text
  sections: { id: string; title: Text }[]
  questions: AskedQuestion[]
}

export interface Pack {
  server_time: string
  lease_until: string
  worker: { login: string; name: string }
  seal_key: string
  sign_keys: string[]
  waves: Wave[]
  questionnaires: { [id: string]: Questionnaire }
  homes: Home[]
}

export type Mode = 'asked' | 'self' | 'assisted'

// Draft is a visit that has not ended: one for each household. Its id becomes
// the record's.
export interface Draft {
  id: string
  home: string
  wave: string
  step: 'consent' | 'roster' | 'mode' | 'ask' | 'refusing' | 'done'
  started: string
  adults?: number
  next?: number // which adult's birthday comes next
  mode?: Mode
  helper?: string
  dialect?: boolean
  lang: 'zh' | 'en'
  answers: Answers
  receipt?: string // of an interview that is stored, until the resident has seen it
}

// Content is a record as the server gets it.
export interface Content {
  v: 1
  wave: string
  home: string
  made_at: string
  outcome: string
  period: string
  note?: string
  appointment?: string
  interview?: Interview
}

export interface Interview {
  questionnaire: string
  lang: string
  mode: Mode
  helper?: string
  dialect: boolean
  adults: number
  select: string
  chosen: number
  started_at: string
  ended_at: string
  receipt: string
  sealed: string
}
