/// What moving a file, or reading one for a while, took.
struct FileRun {
    var seconds: Double
    var threadCPUSeconds: Double
    var processCPUSeconds: Double
    var operations = 0
}
