package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The device of the workload, and what is written at once.
const (
	deviceSize = 1 << 20
	blockSize  = 4096
)

// writeBlock writes a block past the page cache to a loop device in memory.
func writeBlock(string) func() error {
	device, err := loopDevice()
	var block []byte
	if err == nil {
		block, err = unix.Mmap(-1, 0, blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	}
	at := int64(0)
	return func() error {
		if err != nil {
			return err
		}
		at = (at + blockSize) % deviceSize
		_, err := device.WriteAt(block, at)
		return err
	}
}

// loopDevice makes a device that ends with this process.
func loopDevice() (*os.File, error) {
	control, err := os.Open("/dev/loop-control")
	if err != nil {
		return nil, err
	}
	defer control.Close()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, err
	}
	memory, err := unix.MemfdCreate("device", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(memory)
	if err := unix.Ftruncate(memory, deviceSize); err != nil {
		return nil, err
	}
	device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", number), os.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		return nil, err
	}
	config := &unix.LoopConfig{Fd: uint32(memory), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
	if err := unix.IoctlLoopConfigure(int(device.Fd()), config); err != nil {
		return nil, err
	}
	return device, nil
}
