package remote

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// refusal is the executor's response to every action.
const refusal = "no worker has the properties of this action"

// rawMessage is a message of which only the bytes matter.
type rawMessage []byte

// rawCodec takes and gives the bytes of messages as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*rawMessage), nil }

func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*rawMessage) = slices.Clone(data)
	return nil
}

// refusingExecutor starts an executor of the Remote Execution API that has every input,
// no result and no worker. It returns the address and the number of actions that were
// refused.
func refusingExecutor(t *testing.T) (string, *atomic.Int64) {
	t.Helper()
	refused := new(atomic.Int64)
	answer := func(_ any, stream grpc.ServerStream) error {
		var request rawMessage
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		method, _ := grpc.MethodFromServerStream(stream)
		switch method[strings.LastIndex(method, "/")+1:] {
		case "GetCapabilities":
			answer := rawMessage(capabilities())
			return stream.SendMsg(&answer)
		case "FindMissingBlobs":
			return stream.SendMsg(&rawMessage{})
		case "GetActionResult":
			return status.Error(codes.NotFound, "no result")
		case "Execute":
			refused.Add(1)
			return status.Error(codes.FailedPrecondition, refusal)
		}
		return status.Error(codes.Unimplemented, method)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}), grpc.UnknownServiceHandler(answer))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "grpc://" + listener.Addr().String(), refused
}

// capabilities is a ServerCapabilities of build.bazel.remote.execution.v2: SHA-256,
// execution, version 2.0.
func capabilities() []byte {
	const sha256 = 1
	number := func(field protowire.Number, value uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), value)
	}
	message := func(field protowire.Number, parts ...[]byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), slices.Concat(parts...))
	}
	version := number(1, 2)
	return slices.Concat(
		message(1, message(1, []byte{sha256}), message(2, number(1, 0))),        // cache: digest functions, no updates
		message(2, number(1, sha256), number(2, 1), message(5, []byte{sha256})), // execution: enabled
		message(4, version), message(5, version), // oldest and newest version
	)
}

// TestRulesWithRefusingExecutor builds on an executor that has no worker with the
// properties of the platform: the build ends with the executor's response. With
// --remote_local_fallback it is built here, to the same digest. The properties are those
// of the build before, or what others do would run again as well.
func TestRulesWithRefusingExecutor(t *testing.T) {
	w := checkout(t)
	want := w.digest(t)
	executor, refused := refusingExecutor(t)
	args := append(ruleFlags(ours.String()+".*"), "--remote_executor="+executor, "--spawn_strategy=remote",
		"--remote_retries=0", target)
	out, err := w.bazel("build", slices.Concat(args, []string{"--noremote_local_fallback"})...)
	if err == nil || !strings.Contains(out, refusal) {
		t.Errorf("%v, want %q:\n%s", err, refusal, out)
	}
	if refused.Load() == 0 {
		t.Error("the executor got no request, so nothing is proven")
	}
	if out, err := w.bazel("build", slices.Concat(args, []string{"--remote_local_fallback"})...); err != nil {
		t.Fatalf("building here instead: %v\n%s", err, out)
	}
	if got := w.digest(t); got != want {
		t.Errorf("the digest is %s when built here instead, and %s without the executor", got, want)
	}
}
