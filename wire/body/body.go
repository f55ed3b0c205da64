// Package body writes the bodies of requests that are not JSON: texts, forms, and forms with files. It is for generated code.
// Aver's own contract has none; those of others have.
//
// Each function takes a body, and the same body in JSON, by which it was checked against the contract. It returns the content,
// and its media type where that tells more than the contract does.
package body

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/runtime/types"
)

// Text writes a body that is a text.
func Text(body any, _ []byte) ([]byte, string, error) {
	text, _ := body.(string)
	return []byte(text), "", nil
}

// Form writes a body as an HTML form does: each element of a list under the same name, and an object as JSON.
func Form(_ any, text []byte) ([]byte, string, error) {
	form := make(url.Values)
	err := eachMember(text, func(name string, value jsontext.Value) error {
		form.Add(name, formValue(value))
		return nil
	})
	return []byte(form.Encode()), "", err
}

// eachMember calls f for each member of an object, and for each element of one that is a list. null is nothing.
func eachMember(object []byte, f func(name string, value jsontext.Value) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.New("the body is no object, so that it has no fields to send")
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		field := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		values := []jsontext.Value{value}
		if value.Kind() == '[' {
			values = nil
			if err := json.Unmarshal(value, &values); err != nil {
				return err
			}
		}
		for _, value := range values {
			if value.Kind() == 'n' {
				continue
			}
			if err := f(field, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// formValue returns a JSON value as a form has it: a text without its quotes.
func formValue(value jsontext.Value) string {
	if value.Kind() == '"' {
		if text, err := jsontext.AppendUnquote(nil, value); err == nil {
			return string(text)
		}
	}
	return string(value)
}

// Multipart writes a body as a form with files does: each file and each element of a list is a part, and an object is
// JSON.
func Multipart(body any, text []byte) ([]byte, string, error) {
	files, err := filesOf(body)
	if err != nil {
		return nil, "", err
	}
	var content bytes.Buffer
	w := multipart.NewWriter(&content)
	err = eachMember(text, func(name string, value jsontext.Value) error {
		if strings.ContainsFunc(name, unicode.IsControl) {
			return errors.New("the name of a property holds a control character, which no form can")
		}
		if of := files[name]; len(of) > 0 {
			files[name] = of[1:]
			return writeFile(w, name, of[0])
		}
		header := textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition(name, "")}}
		header.Set("Content-Disposition", strings.TrimSuffix(header.Get("Content-Disposition"), `; filename=""`))
		if value.Kind() == '{' {
			header.Set("Content-Type", "application/json")
		}
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(part, formValue(value))
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	return content.Bytes(), w.FormDataContentType(), err
}

func writeFile(w *multipart.Writer, name string, file types.File) error {
	called := file.Filename()
	if called == "" {
		called = name
	}
	if strings.ContainsFunc(called, unicode.IsControl) {
		return fmt.Errorf("the name of the file %s holds a control character, which no form can", name)
	}
	part, err := w.CreateFormFile(name, called)
	if err != nil {
		return err
	}
	r, err := file.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(part, r)
	return err
}

// filesOf returns the files in a body by the names of their properties.
func filesOf(body any) (map[string][]types.File, error) {
	files := make(map[string][]types.File)
	v := reflect.Indirect(reflect.ValueOf(body))
	if v.Kind() != reflect.Struct {
		return files, nil
	}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch field := v.Field(i).Interface().(type) {
		case types.File:
			if !v.Field(i).IsZero() {
				files[name] = []types.File{field}
			} else if !strings.Contains(options, "omit") {
				return nil, fmt.Errorf("the file %s is missing; give one with its InitFromBytes", name)
			}
		case []types.File:
			files[name] = field
		}
	}
	return files, nil
}
