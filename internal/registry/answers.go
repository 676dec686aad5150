package registry

import (
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// outcome is what follows from an answer that is not a success.
type outcome string

const (
	final     outcome = "final"                   // asking again gives the same
	transient outcome = "retried"                 // the request, --retry times
	restart   outcome = "the upload starts again" // from its first byte, --retry times
	challenge outcome = "the challenge is followed once; a second 401 is final"
)

// answers is what the distribution specification's statuses and error codes mean
// here: the first row that fits counts. What no row names is final.
// docs/images.md shows it.
var answers = []struct {
	statuses []int
	codes    []transport.ErrorCode
	then     outcome
}{
	{codes: []transport.ErrorCode{transport.BlobUploadUnknownErrorCode, transport.DigestInvalidErrorCode}, then: restart},
	{statuses: []int{http.StatusUnauthorized}, then: challenge},
	{
		statuses: []int{
			http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
		codes: []transport.ErrorCode{transport.TooManyRequestsErrorCode},
		then:  transient,
	},
	{
		statuses: []int{
			http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
			http.StatusRequestEntityTooLarge, http.StatusRequestedRangeNotSatisfiable,
		},
		codes: []transport.ErrorCode{
			transport.BlobUnknownErrorCode, transport.BlobUploadInvalidErrorCode, manifestBlobUnknown,
			transport.ManifestInvalidErrorCode,
			transport.ManifestUnknownErrorCode, transport.NameInvalidErrorCode, transport.NameUnknownErrorCode,
			transport.SizeInvalidErrorCode,
			transport.UnauthorizedErrorCode, transport.DeniedErrorCode, transport.UnsupportedErrorCode,
		},
		then: final,
	},
}

// manifestBlobUnknown is the one code of the specification that the library lacks
// a name for.
const manifestBlobUnknown transport.ErrorCode = "MANIFEST_BLOB_UNKNOWN"

// afterStatus returns what follows from a status.
func afterStatus(status int) outcome {
	for _, a := range answers {
		if slices.Contains(a.statuses, status) {
			return a.then
		}
	}
	return final
}

// after returns what follows from an answer's error codes and, where no row names
// one of them, from its status.
func after(err *transport.Error) outcome {
	for _, a := range answers {
		if slices.ContainsFunc(err.Errors, func(d transport.Diagnostic) bool { return slices.Contains(a.codes, d.Code) }) {
			return a.then
		}
	}
	return afterStatus(err.StatusCode)
}
