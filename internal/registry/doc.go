// Package registry implements the OCI distribution protocol: it resolves
// references, reads blobs, and pushes artifacts. It is the only package of
// this project that opens a socket.
//
// Authentication is go-containerregistry's; the requests are made here,
// because they need what that client does not offer: resumption by range
// request, Retry-After, mirrors, and an account of what was uploaded.
package registry
