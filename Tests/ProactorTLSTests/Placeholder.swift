@testable import ProactorTLS
