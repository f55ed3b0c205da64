package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/internal/spec"
)

func newCallCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "call",
		Short: "Call one operation of the API",
		Long: `Call calls one operation, with the account of AVER_API_KEY and AVER_API_SECRET (and AVER_BASE_URL and AVER_GROUP_ID). What
is personal or secret in the answer is shown as REDACTED, unless --show. What is given in flags can be seen in the list of
processes: --body - reads the request from the standard input.`,
	}
	d := spec.Embedded()
	for _, op := range d.Operations {
		if method, ok := methodOf(op); ok {
			cmd.AddCommand(newOperationCommand(&call{document: d, op: op, method: method}))
		}
	}
	return oneOf(cmd)
}

// A call is an operation that is called by hand.
type call struct {
	document *spec.Document
	op       *spec.Operation
	method   reflect.Method // of the client
	upload   map[string]any // the contract's x-upload; nil without an image in the request
	download map[string]any // and x-download, for the answer
	inputs   []*input

	body, image, out  string
	show, asJSON, yes bool
}

// methodOf returns the method of the client for an operation.
func methodOf(op *spec.Operation) (reflect.Method, bool) {
	client := reflect.TypeFor[*api.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); strings.EqualFold(m.Name, op.ID) {
			return m, true
		}
	}
	return reflect.Method{}, false
}

func newOperationCommand(c *call) *cobra.Command {
	_, node := c.document.Resolve(c.op.Pointer)
	summary, _ := spec.Member(node, "summary").(string)
	description, _ := spec.Member(node, "description").(string)
	cmd := &cobra.Command{
		Use:   c.op.ID,
		Short: summary,
		Long:  strings.TrimSpace(c.op.Method + " " + c.op.Path + ": " + summary + ".\n\n" + description),
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := c.run(cmd)
			if err != nil && c.asJSON {
				_ = json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"ok": false, "error": err.Error()})
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&c.show, "show", false, "print what is personal or secret, too")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	c.download = spec.Object(spec.Member(node, "x-download"))
	if c.download != nil {
		flags.StringVar(&c.out, "out", "", "file to write the image of the answer to")
	}
	if c.risky() {
		flags.BoolVar(&c.yes, "yes", false, "do not ask first")
	}
	if body := c.op.Body.Of("application/json"); body != nil {
		c.upload = spec.Object(spec.Member(body.Node, "x-upload"))
		flags.StringVar(&c.body, "body", "", "file with the whole request as JSON, - for the standard input; flags go before it")
		if c.upload != nil {
			flags.StringVar(&c.image, "image", "", "file with the image of the request, JPEG or PNG")
		}
	}
	c.addInputs(cmd)
	return cmd
}

// risky reports whether the operation may cost money, or change what cannot be changed back: the contract does not let it be
// repeated at will.
func (c *call) risky() bool {
	_, node := c.document.Resolve(c.op.Pointer)
	return spec.Member(node, "x-retry") != "always"
}

func (c *call) run(cmd *cobra.Command) error {
	account := accountFromEnv()
	client, err := account.client()
	if err != nil {
		return err
	}
	defer client.Close()
	method, args, err := c.arguments(cmd, account)
	if err != nil {
		return err
	}
	base := cmp.Or(account.baseURL, authprovider.DefaultBaseURL)
	if c.risky() && !c.yes && !onThisComputer(base) && (isTerminalInput(cmd.InOrStdin()) || isTerminal(cmd.ErrOrStderr())) {
		if !isTerminalInput(cmd.InOrStdin()) {
			return fmt.Errorf("%s may cost money, and nobody can be asked while the standard input is something else: give --yes", c.op.ID)
		}
		if err := c.ask(cmd.InOrStdin(), cmd.ErrOrStderr(), base); err != nil {
			return err
		}
	}
	result, err := invoke(cmd.Context(), client, method, args)
	if err != nil {
		return err
	}
	return c.print(cmd.OutOrStdout(), result)
}

// isTerminalInput reports whether somebody may answer.
var isTerminalInput = func(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && isTerminal(file)
}

func onThisComputer(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// ask asks whether to go on.
func (c *call) ask(in io.Reader, out io.Writer, base string) error {
	fmt.Fprintf(out, "%s may cost money, or do what cannot be undone, on %s. Go on? [y/N] ", c.op.ID, base)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was sent")
	}
	return nil
}

// arguments returns the method to call and what it is called with, between the context and the options.
func (c *call) arguments(cmd *cobra.Command, a account) (string, []reflect.Value, error) {
	values, err := c.read(cmd, a)
	if err != nil {
		return "", nil, err
	}
	var args []reflect.Value
	method, signature := c.method.Name, c.method.Type
	for i := 2; i < signature.NumIn()-1; i++ { // without the receiver, the context and the options
		of, names := signature.In(i), c.pathParams()
		var from any = values.params
		switch at := i - 2; {
		case at < len(names):
			from = values.path[names[at]]
		case i == signature.NumIn()-2 && c.op.Body.Of("application/json") != nil: // behind the parameters
			from = values.body
		}
		text, err := json.Marshal(from)
		if err != nil {
			return "", nil, err
		}
		arg := reflect.New(of)
		if err := json.Unmarshal(text, arg.Interface()); err != nil {
			return "", nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		args = append(args, arg.Elem())
	}
	switch {
	case c.image != "":
		method, _ = c.upload["method"].(string)
		upload, err := c.withImage(method, args[len(args)-1])
		if err != nil {
			return "", nil, err
		}
		args[len(args)-1] = upload
	case c.out != "":
		method, _ = c.download["method"].(string)
		method += "File"
		args = append(args, reflect.ValueOf(c.out))
	}
	return method, args, nil
}

// withImage returns the request with an image that is streamed, made of the same without it.
func (c *call) withImage(method string, plain reflect.Value) (reflect.Value, error) {
	m, ok := reflect.TypeFor[*api.Client]().MethodByName(method)
	if !ok {
		return plain, fmt.Errorf("the client has no method %s", method)
	}
	upload := reflect.New(m.Type.In(m.Type.NumIn() - 2)).Elem()
	for i := range upload.NumField() {
		if field := plain.FieldByName(upload.Type().Field(i).Name); field.IsValid() {
			upload.Field(i).Set(field)
		}
	}
	upload.FieldByName("Image").Set(reflect.ValueOf(api.ImageFile(c.image)))
	return upload, nil
}

// pathParams returns the names of the parameters in the path, as they follow each other there.
func (c *call) pathParams() []string {
	var names []string
	for piece := range strings.SplitSeq(c.op.Path, "/") {
		if name, ok := strings.CutPrefix(piece, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// invoke calls a method of the client. The result is nil when the operation only says yes.
func invoke(ctx context.Context, client *api.Client, method string, args []reflect.Value) (any, error) {
	in := append([]reflect.Value{reflect.ValueOf(ctx)}, args...)
	out := reflect.ValueOf(client).MethodByName(method).Call(in)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return nil, err
	}
	if len(out) == 1 {
		return nil, nil
	}
	return out[0].Interface(), nil
}

// print prints what the operation returned.
func (c *call) print(out io.Writer, result any) error {
	var tree any = map[string]any{"ok": true}
	switch result := result.(type) {
	case nil:
	case *api.Downloaded:
		tree = map[string]any{"mediaType": result.MediaType, "size": result.Size, "file": c.out}
	default:
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&tree); err != nil {
			return err
		}
		if !c.show {
			tree = c.redact(c.answer(), tree, nil)
		}
	}
	encoder := json.NewEncoder(out)
	if c.asJSON {
		return encoder.Encode(tree)
	}
	text, err := yaml.Marshal(plain(tree))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// answer returns the schema of the documented success; nil when it has none, so that all is private.
func (c *call) answer() *spec.Schema {
	for _, status := range slices.Sorted(maps.Keys(c.op.Answers)) {
		if schema := c.op.Answers[status].Of("application/json"); strings.HasPrefix(status, "2") && schema != nil {
			return schema
		}
	}
	return nil
}

// redact hides what is private by the contract, or not known to it.
func (c *call) redact(answer *spec.Schema, v any, place []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = c.redact(answer, v[name], append(place[:len(place):len(place)], name))
		}
		return v
	case []any:
		for i := range v {
			v[i] = c.redact(answer, v[i], append(place[:len(place):len(place)], fmt.Sprint(i)))
		}
		return v
	case nil:
		return nil
	}
	if answer != nil {
		if private, _ := c.document.Private(answer.Node, place); !private {
			return v
		}
	}
	return "REDACTED"
}

// plain returns a tree with numbers that YAML writes as such.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	}
	return v
}
