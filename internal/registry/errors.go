package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// Error is a failed exchange with a registry, in one sentence with its hint.
type Error struct {
	Host   string
	Status int // HTTP status, 0 when no answer came
	Text   string
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("registry %s: %s", e.Host, e.Text) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes a 404 an oci.ErrNotFound.
func (e *Error) Is(target error) bool {
	return target == oci.ErrNotFound && e.Status == http.StatusNotFound
}

// explain turns an error of the transport into an Error.
func (c *Client) explain(err error, h string) error {
	var explained *Error
	if err == nil || errors.As(err, &explained) || errors.Is(err, context.Canceled) {
		return err
	}
	// A certificate first: where plain HTTP was tried too, an answer to
	// that says nothing.
	var answer *transport.Error
	if errors.As(err, &answer) && !badCertificate(err) {
		return c.answerError(answer, h)
	}
	return &Error{Host: h, Text: connectionText(err), Err: err}
}

// answerError explains an answer that is not a success.
func (c *Client) answerError(e *transport.Error, h string) error {
	out := &Error{Host: h, Status: e.StatusCode, Err: e}
	detail := diagnostics(e)
	switch e.StatusCode {
	case http.StatusUnauthorized:
		out.Text = fmt.Sprintf("access denied%s (%s), log in with \"gadget-run login %s\"", detail, c.creds.used(h), h)
	case http.StatusForbidden:
		out.Text = fmt.Sprintf("access forbidden%s (%s), ask for the right to this repository", detail, c.creds.used(h))
	case http.StatusNotFound:
		out.Text = "not found" + detail + ", check the name and the tag"
		if hasCode(e, transport.NameUnknownErrorCode) {
			out.Text = "it has no such repository" + detail +
				", check the name, or make the repository first where the registry wants that"
		}
	case http.StatusTooManyRequests:
		out.Text = "too many requests" + detail + ", wait, or log in for a higher limit"
	case http.StatusMethodNotAllowed:
		out.Text = "the registry does not accept this" + detail + ", it may be a read-only mirror"
	default:
		out.Text = fmt.Sprintf("it answered %d %s%s", e.StatusCode, http.StatusText(e.StatusCode), detail)
		if e.StatusCode >= http.StatusInternalServerError {
			out.Text += ", try again later"
		}
	}
	return out
}

func diagnostics(e *transport.Error) string {
	if len(e.Errors) == 0 {
		return ""
	}
	first := e.Errors[0]
	if first.Message == "" {
		return fmt.Sprintf(" (%s)", first.Code)
	}
	return fmt.Sprintf(" (%s: %s)", first.Code, first.Message)
}

// hasCode reports whether the registry's answer has one of the error codes of the
// distribution specification.
func hasCode(err error, codes ...transport.ErrorCode) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool {
		return slices.Contains(codes, d.Code)
	})
}

// connectionText explains a request that got no answer.
func connectionText(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var netErr net.Error
	switch {
	case errors.Is(err, errPlainHTTP):
		return "the connection would be unencrypted, pass --insecure to allow plain HTTP"
	case errors.Is(err, errNotHere):
		return fmt.Sprintf("%v, check the resolver or write the other name", errNotHere)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections, check the address and that it runs"
	case errors.As(err, &dns):
		return fmt.Sprintf("host %q does not exist, check the name and the network", dns.Name)
	case badCertificate(err):
		return fmt.Sprintf("its certificate does not verify (%s), pass --ca-file or --cert-dir, or --insecure",
			certificateCause(err))
	case strings.Contains(err.Error(), "invalid realm"):
		return fmt.Sprintf("it names a token server that is refused (%s), ask its operator", rootCause(err))
	case strings.Contains(err.Error(), "byte limit"): // of the library, for tokens
		return fmt.Sprintf("its token server's answer is too large (%s), ask its operator", rootCause(err))
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "it cannot be reached, check the network and the proxy settings"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "it did not answer in time, check the network and try again"
	}
	for _, cause := range []error{syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, cause) {
			return fmt.Sprintf("the connection broke (%v), try again", cause)
		}
	}
	// After the above: where both TLS and plain HTTP were tried, the error of
	// the latter says more.
	if errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) {
		return "it speaks plain HTTP, pass --insecure to allow it"
	}
	return fmt.Sprintf("the connection broke (%s), try again", rootCause(err))
}

// rootCause strips the method and address that net/http puts before an error.
func rootCause(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// badCertificate reports whether the server's certificate was refused.
func badCertificate(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}

func certificateCause(err error) error {
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return bad.Err
	}
	return rootCause(err)
}
