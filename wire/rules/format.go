package rules

import (
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Formats are the formats that are checked, by their names in JSON Schema. month-day-year is one of the contract's own:
// MM/DD/YYYY, a day of the calendar.
var Formats = [...]string{"date", "date-time", "uuid", "uri", "email", "ipv4", "ipv6", "month-day-year"}

// IsFormat reports whether a text is of a format; of one that is not checked, every text is.
func IsFormat(format, s string) bool {
	switch format {
	case "date":
		return IsDate(s)
	case "date-time":
		return IsDateTime(s)
	case "uuid":
		return IsUUID(s)
	case "uri":
		return IsURI(s)
	case "email":
		return isEmail(s)
	case "ipv4":
		return IsIPv4(s)
	case "ipv6":
		return IsIPv6(s)
	case "month-day-year":
		return IsMonthDayYear(s)
	}
	return true
}

// IsDate reports whether s is a full-date of RFC 3339 and a day of the calendar.
func IsDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// IsMonthDayYear reports whether s is a day of the calendar as MM/DD/YYYY.
func IsMonthDayYear(s string) bool {
	_, err := time.Parse("01/02/2006", s)
	return err == nil && len(s) == len("01/02/2006")
}

// IsDateTime reports whether s is a date-time of RFC 3339, a leap second among them.
func IsDateTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' && s[10] != 't' || !IsDate(s[:10]) {
		return false
	}
	clock, rest := s[11:19], s[19:]
	hour, okHour := pair(clock[0:2], 23)
	minute, okMinute := pair(clock[3:5], 59)
	second, okSecond := pair(clock[6:8], 60)
	if !okHour || !okMinute || !okSecond || clock[2] != ':' || clock[5] != ':' {
		return false
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		rest = strings.TrimLeft(fraction, "0123456789")
		if len(rest) == len(fraction) {
			return false
		}
	}
	offset := 0
	if rest != "Z" && rest != "z" {
		if len(rest) != len("+00:00") || rest[0] != '+' && rest[0] != '-' || rest[3] != ':' {
			return false
		}
		h, okH := pair(rest[1:3], 23)
		m, okM := pair(rest[4:6], 59)
		if !okH || !okM {
			return false
		}
		if offset = h*60 + m; rest[0] == '-' {
			offset = -offset
		}
	}
	if second < 60 {
		return true
	}
	return ((hour*60+minute-offset)%(24*60)+24*60)%(24*60) == 23*60+59 // leap seconds end a day in UTC
}

// pair reads two digits up to a limit.
func pair(s string, limit int) (int, bool) {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	n := int(s[0]-'0')*10 + int(s[1]-'0')
	return n, n <= limit
}

// IsUUID reports whether s has the form of a UUID (RFC 9562), in any letter case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// IsURI reports whether s is an absolute URI (RFC 3986), of whatever scheme.
func IsURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() {
		return false
	}
	host := u.Hostname()
	return !strings.Contains(host, ":") || strings.HasPrefix(u.Host, "[") && IsIPv6(host)
}

// IsIPv4 reports whether s is an IPv4 address in four decimal numbers.
func IsIPv4(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4()
}

// IsIPv6 reports whether s is an IPv6 address without a zone.
func IsIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}
