package wan

import (
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Real-time priorities, of SCHED_RR: links are on time whatever is measured does, and what is measured whatever else the machine does.
const (
	linkPriority     = 2
	measuredPriority = 1
)

// onTime gives this process's threads the links' priority. Threads that it starts later inherit it. Where the kernel refuses it, Strain
// tells what comes of it.
var onTime = sync.OnceFunc(func() {
	for range 2 { // the second time for threads that the others have started meanwhile
		threads, _ := os.ReadDir("/proc/self/task")
		for _, thread := range threads {
			id, _ := strconv.Atoi(thread.Name())
			setPriority(id, linkPriority)
		}
	}
})

// setPriority is of the thread with the given id, 0: of the calling one, and what it starts.
func setPriority(thread int, priority uint32) {
	unix.SchedSetAttr(thread, &unix.SchedAttr{Policy: unix.SCHED_RR, Priority: priority}, 0)
}
