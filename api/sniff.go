package api

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
)

// sniffLen is how much of an image is looked at to tell what it is, in bytes.
const sniffLen = 512

// sniff returns the media type of an image, by its beginning. whole tells that there is no more of it.
func sniff(head []byte, whole bool) (string, error) {
	const want = "; want a JPEG or PNG image"
	switch {
	case len(head) == 0:
		return "", errors.New("it is empty" + want)
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "image/jpeg", checkJPEG(head, whole)
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png", checkPNG(head)
	case whole && (bytes.HasPrefix([]byte("\xff\xd8\xff"), head) || bytes.HasPrefix([]byte("\x89PNG\r\n\x1a\n"), head)):
		return "", errTruncated
	}
	return "", errors.New("it is " + describe(head) + want)
}

var errTruncated = errors.New("it is truncated: it ends within its header")

// checkJPEG looks at the first segment behind the start of a JPEG image.
func checkJPEG(head []byte, whole bool) error {
	if len(head) < 6 {
		return errTruncated
	}
	marker, length := head[3], int(head[4])<<8|int(head[5])
	switch {
	case marker < 0xc0 || marker == 0xff || length < 2:
		return errors.New("it begins like a JPEG image, but its header is damaged")
	case whole && len(head) < 4+length:
		return errTruncated
	}
	return nil
}

// checkPNG looks at the header chunk of a PNG image.
func checkPNG(head []byte) error {
	switch {
	case len(head) < 33:
		return errTruncated
	case string(head[8:16]) != "\x00\x00\x00\rIHDR":
		return errors.New("it begins like a PNG image, but its header is damaged")
	}
	return nil
}

// describe names what something is by its beginning, without repeating any of it.
func describe(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		switch brand := string(head[8:12]); {
		case strings.HasPrefix(brand, "hei"), strings.HasPrefix(brand, "hev"), brand == "mif1", brand == "msf1":
			return "HEIC"
		case strings.HasPrefix(brand, "avi"):
			return "AVIF"
		}
	}
	for name, magic := range map[string]string{"TIFF": "II*\x00", "TIFF ": "MM\x00*", "JPEG XL": "\xff\x0a", "JPEG 2000": "\x00\x00\x00\x0cjP",
		"an SVG image": "<svg"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return strings.TrimSpace(name)
		}
	}
	switch media, _, _ := strings.Cut(http.DetectContentType(head), ";"); media {
	case "application/pdf":
		return "PDF"
	case "image/gif":
		return "GIF"
	case "image/webp":
		return "WebP"
	case "image/bmp":
		return "BMP"
	case "text/html":
		return "HTML"
	case "text/plain", "text/xml":
		if bytes.HasPrefix(head, []byte("data:")) {
			return "a Data URL, not the image itself"
		}
		return "text"
	case "application/octet-stream":
		return "of no known type"
	default:
		return media
	}
}
