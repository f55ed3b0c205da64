package screening

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A seal keeps what is personal unreadable in the database. Without a key it is kept as it is.
type seal struct {
	aead cipher.AEAD
	key  []byte
}

// newSeal takes a key of 32 bytes, for AES-256-GCM with random nonces.
func newSeal(key []byte) (seal, error) {
	if len(key) != 32 {
		return seal{}, fmt.Errorf("screening: the key has %d bytes; want 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return seal{aead, bytes.Clone(key)}, err
}

// close seals a text for a row of a list: it cannot be moved to another.
func (s seal) close(text []byte, list string, number int64) []byte {
	if s.aead == nil {
		return text
	}
	return s.aead.Seal(nil, nil, text, place(list, number))
}

// open is the way back.
func (s seal) open(sealed []byte, list string, number int64) ([]byte, error) {
	if s.aead == nil {
		if len(sealed) > 0 && sealed[0] != '{' {
			return nil, errors.New("screening: the database is encrypted; give its key")
		}
		return sealed, nil
	}
	text, err := s.aead.Open(nil, nil, sealed, place(list, number))
	if err != nil {
		return nil, errors.New("screening: the key is not the database's, or a row was changed")
	}
	return text, nil
}

// text opens what is not JSON.
func (s seal) text(sealed []byte, list string, number int64) (string, error) {
	if s.aead == nil {
		return string(sealed), nil
	}
	text, err := s.open(sealed, list, number)
	return string(text), err
}

// digest tells whether a text is the one that was there before, and, with a key, nothing about it.
func (s seal) digest(text []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(text)
	return h.Sum(nil)[:16]
}

func place(list string, number int64) []byte { return fmt.Appendf(nil, "%d of %s", number, list) }
