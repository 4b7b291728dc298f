// Runs before anything is drawn. With a script, questions that may not be asked
// are hidden from the start. A browser that cannot read the script at the end of
// the page, or fails in it, gets the page as it is without one.
const root = document.documentElement
root.classList.add('js')
window.onerror = () => root.classList.remove('js')
