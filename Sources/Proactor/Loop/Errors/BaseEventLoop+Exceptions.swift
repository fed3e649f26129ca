extension BaseEventLoop {
    public func setExceptionHandler(_ handler: ExceptionHandler?) {
        checkThread("setExceptionHandler")
        exceptionHandler = handler
    }

    public func getExceptionHandler() -> ExceptionHandler? {
        checkThread("getExceptionHandler")
        return exceptionHandler
    }

    public func defaultExceptionHandler(_ context: ExceptionContext) {
        logger.error("\(context)")
    }

    public func callExceptionHandler(_ context: ExceptionContext) {
        checkThread("callExceptionHandler")
        guard let exceptionHandler else { return defaultExceptionHandler(context) }
        do {
            try exceptionHandler(self, context)
        } catch {
            logger.error("the exception handler itself threw \(error) while it handled: \(context)")
        }
    }
}
