package api

import (
	"context"
	"io"
	"reflect"
)

// What Aver's contract does not have and those of others do: bodies that need not be sent, and bodies and answers of bytes.

//lint:file-ignore U1000 the methods that are generated from other contracts call these

// optional returns a body that need not be sent; nil when it is not.
func optional[T any](body *T) any {
	if body == nil {
		return nil
	}
	return *body
}

// newStream returns an upload of what a reader brings from where it stands; of nothing when it is nil and need not be there.
func newStream(body io.Reader, required bool) *upload {
	if body == nil && !required {
		return nil
	}
	if body == nil {
		return &upload{}
	}
	return &upload{image: ImageReader("body", body)}
}

// streamTo streams an answer to w. It is called by the generated methods.
func streamTo[T any](ctx context.Context, c *Client, op *operation, opts []CallOption, r request[T], w io.Writer) (*Downloaded, error) {
	return downloadTo(ctx, c, op, opts, r, w)
}

// withoutEmptyLists returns parameters in which a list without elements is none: a query cannot tell it from a list of one
// empty text.
func withoutEmptyLists[P any](params *P) *P {
	if params == nil {
		return nil
	}
	copied := *params
	v := reflect.ValueOf(&copied).Elem()
	for i := range v.NumField() {
		if field := v.Field(i); field.Kind() == reflect.Slice && field.Len() == 0 {
			field.SetZero()
		}
	}
	return &copied
}
