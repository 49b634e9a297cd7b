package record

// expandNumber returns the packet number whose low 32 bits are low and that is nearest to next, the one behind the highest received (RFC 9000,
// appendix A.3); of two equally near ones the higher, and never one above MaxNumber.
func expandNumber(next uint64, low uint32) uint64 {
	const span = 1 << 32
	candidate := next&^(span-1) | uint64(low)
	switch {
	case candidate > MaxNumber || (candidate >= span && candidate > next+span/2):
		return candidate - span
	case candidate+span/2 <= next && candidate+span <= MaxNumber:
		return candidate + span
	}
	return candidate
}
