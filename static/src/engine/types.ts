// What the engine reads of a questionnaire's definition. More may be there.

export interface Cond {
  all?: Cond[]
  any?: Cond[]
  not?: Cond
  q?: string
  in?: string[]
  answered?: boolean
  gte?: number
  lte?: number
}

export interface Option {
  code: string
  exclusive?: boolean
  dk?: boolean
  fixed?: boolean
}

export interface Question {
  id: string
  type: string
  required?: boolean
  options?: Option[]
  min?: number | null
  max?: number | null
  integer?: boolean
  rotate?: boolean
  show_if?: Cond | null
}

export interface Definition {
  questions: Question[]
}

// Answers by question id: a string (single, scale, text), a list of strings
// (multiple) or a number. No entry, null, '' and [] mean unanswered.
export interface Answers {
  [id: string]: unknown
}

// Problem is one wrong answer. The words for its code are in the catalogue
// under field.<code>, with args in them.
export interface Problem {
  path: string
  code: string
  args?: { [name: string]: number }
}
