using System.Runtime.CompilerServices;

// Every signature is blittable, so a call into libc is a call: no marshalling stub between the reactor and the kernel.
[assembly: DisableRuntimeMarshalling]
[assembly: InternalsVisibleTo("Lateen.Net.Tests")]
