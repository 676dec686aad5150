// Package firstgadget follows docs/howto/first-gadget.md, command by
// command. tools/dev/examples runs its test.
package firstgadget
