/* SPDX-License-Identifier: GPL-2.0 */

/* Tells QEMU's plugin that a phase ended: executes the marker instruction, then exit(0). */

	.globl _start
_start:
	nopl MARKER(%rax)
	mov $60, %eax
	xor %edi, %edi
	syscall
