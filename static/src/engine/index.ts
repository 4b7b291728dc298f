// The rules of a questionnaire in the browser: what is shown, what is right, in
// which order. They are those of the server's package questionnaire, and
// survey/questionnaire/testdata/cases.json is run by both. Nothing here touches
// the page.
export { check } from './check'
export { optionsFor } from './order'
export { visible } from './show'
export type { Answers, Cond, Definition, Option, Problem, Question } from './types'
