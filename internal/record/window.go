package record

const (
	// windowSize is how many packet numbers, counted back from the highest received, the receiver tells apart; a lower one counts as received. It is many
	// times the 128 messages of a grant, so no packet delayed by reordering falls out of it. 1 KiB a connection.
	windowSize = 8192
	wordBits   = 64
	// windowWords has one word to spare, so that the window slides by whole words (RFC 6479).
	windowWords = windowSize/wordBits + 1
)

// window remembers which of the last windowSize packet numbers were received. The zero value is ready to use: nothing was received.
type window struct {
	next  uint64 // one above the highest number received
	words [windowWords]uint64
}

// contains tells whether the number was received, or is too low to know.
func (w *window) contains(number uint64) bool {
	if number >= w.next {
		return false
	}
	if w.next-number > windowSize {
		return true
	}
	return *w.word(number)&bit(number) != 0
}

// add marks a number that contains denies as received.
func (w *window) add(number uint64) {
	if number >= w.next {
		w.slide(number)
	}
	*w.word(number) |= bit(number)
}

// slide makes number the highest one and forgets the words that it pushes out.
func (w *window) slide(number uint64) {
	first, last := (w.next+wordBits-1)/wordBits, number/wordBits
	for i := range min(last+1-first, windowWords) {
		w.words[(last-i)%windowWords] = 0
	}
	w.next = number + 1
}

func (w *window) word(number uint64) *uint64 { return &w.words[number/wordBits%windowWords] }

func bit(number uint64) uint64 { return 1 << (number % wordBits) }
