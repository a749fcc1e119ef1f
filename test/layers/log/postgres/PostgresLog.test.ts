import { databases } from "../../../servers/Databases.ts"
import { sharedLogContracts } from "./TestLog.ts"

const { newDatabase } = databases()

sharedLogContracts("PostgresLog", newDatabase)
