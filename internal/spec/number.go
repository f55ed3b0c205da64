package spec

// A number of more characters, or with an exponent of more digits, than these is none that anybody sends: comparing it
// exactly, as JSON Schema does, would cost seconds.
const (
	maxNumber   = 64
	maxExponent = 3
)

// HugeNumber reports whether a JSON text holds a number that is too long to be dealt with.
func HugeNumber(text []byte) bool {
	inString, escaped := false, false
	length, exponent := 0, -1 // of the number; -1 outside of an exponent
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString, length, exponent = !inString, 0, -1
		case inString:
		case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
			length++
			if exponent >= 0 && c >= '0' && c <= '9' {
				exponent++
			}
		case (c == 'e' || c == 'E') && length > 0:
			length++
			exponent = 0
		default:
			length, exponent = 0, -1
		}
		if length > maxNumber || exponent > maxExponent {
			return true
		}
	}
	return false
}
