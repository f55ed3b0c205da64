package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire/rules"
)

// An encoder writes a body in another form than JSON. text is the body in JSON, by which it was checked. media is of what it
// is; empty for what the contract says.
type encoder func(body any, text []byte) (content []byte, media string, err error)

// encode writes the body of a request, in JSON as encoding/json does to the byte, and refuses what breaks the contract.
func encode(op *operation, body any, of *rules.Schema) (content []byte, media string, failure *Error) {
	text, err := json.Marshal(body, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true))
	if err != nil {
		return nil, "", invalid(op, rules.Unwritable(err))
	}
	if of != nil {
		if fields := rules.Text(text, of, generated.RulesNamed); len(fields) > 0 {
			return nil, "", invalid(op, fields)
		}
	}
	if op.encode == nil {
		return text, op.media, nil
	}
	content, media, err = op.encode(body, text)
	if err != nil {
		return nil, "", refusal(op, err)
	}
	if media == "" {
		media = op.media
	}
	return content, media, nil
}
