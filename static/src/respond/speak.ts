import { element, questions, say } from './page'

// speak gives each question a button that reads it aloud, where the phone can.
// Pressed while something is read, it stops that.
export function speak(): void {
  const voice = window.speechSynthesis
  if (!voice) return
  questions.forEach((q) => {
    const b = element('button', say('listen'), q.box, q.box.children[1]) as HTMLButtonElement
    b.type = 'button'
    b.className = 'listen'
    b.onclick = () => {
      if (voice.speaking) return voice.cancel()
      const u = new SpeechSynthesisUtterance(q.title + q.inputs.map((i) => '\n' + i.parentElement!.textContent))
      u.lang = document.documentElement.lang
      voice.speak(u)
    }
  })
}
